/* The types that our modules need of lit-html 3.3.3's directives: a class whose instance stays with its part. */
export declare class Directive {
  constructor(part: unknown);
}
export declare const directive: <Arguments extends unknown[]>(
  of: new (part: unknown) => Directive & { render(...values: Arguments): unknown },
) => (...values: Arguments) => unknown;
