import { browserFiles } from "@mailfleet/web";
import { readBrowserModules } from "./browser-modules.ts";

// Ends by itself once its parent has the answer and lets go.
process.send?.(readBrowserModules(browserFiles()));
