import { access, constants } from "node:fs/promises";
import path from "node:path";

/** Where packages put servers that an ordinary user's PATH leaves out. */
const serverFolders = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/homebrew/sbin", "/sbin"];

/** The full path of an executable on the PATH or in a folder for servers; undefined when there is none. */
export async function findBinary(name: string): Promise<string | undefined> {
  const folders = [...(process.env["PATH"] ?? "").split(path.delimiter), ...serverFolders];
  for (const folder of folders) {
    if (folder === "") continue;
    const candidate = path.join(folder, name);
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not here; the next folder.
    }
  }
  return undefined;
}
