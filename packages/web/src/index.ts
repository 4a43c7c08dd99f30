export { browserFiles, type BrowserFiles } from "./browser-files.ts";
export { type NoticeInput, noticePage } from "./notice.ts";
export { readPreferences, type Preferences } from "./preferences.ts";
export { escapeHtml, jsonForHtml, type PageName, pageNames, type ShellInput, shellPage } from "./shell.ts";
