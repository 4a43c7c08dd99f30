import { parentPort } from "node:worker_threads";
import { browserFiles } from "@mailfleet/web";
import { readBrowserModules } from "./browser-modules.ts";

// A thread of its own, because the compiler that takes types out holds tens of megabytes for as long as its thread lives.
const made = readBrowserModules(browserFiles());
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window
parentPort?.postMessage(made);
