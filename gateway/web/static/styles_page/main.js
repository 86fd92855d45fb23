/** The page of the design system. */

import { startShell } from "../shell.js";

startShell();
