/** The order page: the menu that the server rendered, taken over. */

import { startShell } from "../shell.js";

startShell();
