/* Compares with what the element has now, not with what was rendered last. */
export declare const live: (value: unknown) => unknown;
