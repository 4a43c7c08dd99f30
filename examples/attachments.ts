// Saves attachments to a folder: FOLDER/MAILBOX/DAY/HASH-NAME. What is there was verified and is whole.
//   npm start -- --keep-events       (in another terminal)
//   npx node examples/attachments.ts ./attachments [data folder]
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { Writable } from "node:stream";
import { consume, localFleet, safeFileName } from "@mailfleet/consumer";

const [folder = "attachments", dataDir] = process.argv.slice(2);

await consume({ ...localFleet(dataDir), types: ["message.added"], name: "attachments" }, async (event, { signal }) => {
  for (const attachment of event.message.attachments) {
    const dir = path.join(folder, safeFileName(event.mailbox), (event.internalDate ?? event.at).slice(0, 10));
    // The hash keeps two of one name apart, and makes a second run write the same file again.
    const file = path.join(dir, `${attachment.sha256.slice(0, 16)}-${safeFileName(attachment.filename)}`);
    const begun = `${file}.${process.pid}.part`;
    await mkdir(dir, { recursive: true });
    try {
      // The stream fails in place of its end where the bytes are not the right ones: then nothing is renamed.
      await attachment.open().pipeTo(Writable.toWeb(createWriteStream(begun, { flush: true })), { signal });
      await rename(begun, file);
    } catch (error) {
      await rm(begun, { force: true });
      throw error;
    }
  }
});
console.error(`Listening: attachments of new mail are saved to ${folder}. Ctrl-C ends.`);
