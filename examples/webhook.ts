// Posts each new message to a URL, signed, so that the receiver can tell that it came from here and was not changed:
//   npm start -- --keep-events       (in another terminal)
//   WEBHOOK_SECRET=... npx node examples/webhook.ts https://crm.example/mail [data folder]
// The receiver computes HMAC-SHA256 over "TIMESTAMP.BODY" with the same secret and compares it with the header; `key` tells repeats.
import { createHmac } from "node:crypto";
import { consume, GiveUp, localFleet, type MessageAdded, RetryLater } from "@mailfleet/consumer";

const [url = "", dataDir] = process.argv.slice(2);
const secret = process.env["WEBHOOK_SECRET"] ?? "";
if (!URL.canParse(url) || secret === "") {
  console.error("Usage: WEBHOOK_SECRET=... npx node examples/webhook.ts URL [data folder]");
  process.exit(2);
}

async function post(event: MessageAdded, signal: AbortSignal): Promise<void> {
  const body = JSON.stringify(event);
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
  const answer = await fetch(url, {
    method: "POST",
    redirect: "error",
    headers: { "content-type": "application/json", "x-mailfleet-timestamp": timestamp, "x-mailfleet-signature": `v1=${signature}` },
    body,
    signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
  });
  await answer.body?.cancel();
  if (answer.ok) return;
  const seconds = Number(answer.headers.get("retry-after"));
  if ((answer.status === 429 || answer.status === 503) && seconds > 0) throw new RetryLater(seconds * 1000, `HTTP ${answer.status}`);
  // Asking again with the same would be answered the same; anything else is tried eight times.
  if (answer.status >= 400 && answer.status < 500 && ![401, 403, 408, 425, 429].includes(answer.status))
    throw new GiveUp(`HTTP ${answer.status}`);
  throw new Error(`HTTP ${answer.status}`);
}

await consume({ ...localFleet(dataDir), types: ["message.added"], name: "webhook" }, (event, { signal }) => post(event, signal));
console.error(`Listening: new mail is posted to ${new URL(url).host}. Ctrl-C ends.`);
