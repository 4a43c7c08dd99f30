// Prints each new message as it comes. The smallest processor there is:
//   npm start -- --keep-events       (in another terminal)
//   npx node examples/print.ts
import { consume, localFleet } from "@mailfleet/consumer";

await consume({ ...localFleet(process.argv[2]), types: ["message.added"], lane: "fresh" }, (event) => {
  const { from, subject = "(no subject)", attachments } = event.message;
  console.log(`${event.mailbox}  ${from[0]?.address ?? "?"}  ${subject}  ${attachments.length} attachments`);
});
