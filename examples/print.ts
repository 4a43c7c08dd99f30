// Prints each new message as it comes. The smallest processor there is:
//   npm start -- --keep-events       (in another terminal)
//   npx node examples/print.ts
import { consume, localFleet, oneLine } from "@mailfleet/consumer";

await consume({ ...localFleet(process.argv[2]), types: ["message.added"], lane: "fresh" }, (event) => {
  const { from, subject = "(no subject)", attachments } = event.message;
  // A terminal obeys what a stranger wrote: not without oneLine.
  console.log(`${event.mailbox}  ${oneLine(from[0]?.address ?? "?")}  ${oneLine(subject)}  ${attachments.length} attachments`);
});
