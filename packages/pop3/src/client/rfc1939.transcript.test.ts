import { expect, test } from "vitest";
import { ask, converse, errorOf, stall } from "./transcript-harness.ts";

// The examples of RFC 1939 and RFC 2449, as the server says them there.
test("the answers of the RFC's examples are read as they are meant", async () => {
  await using talk = await converse([
    { send: "+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n" },
    ...ask(
      /^CAPA$/,
      "+OK Capability list follows\r\nTOP\r\nUSER\r\nSASL CRAM-MD5 KERBEROS_V4\r\nUIDL\r\nIMPLEMENTATION Shlemazle-Plotz-v302\r\n.\r\n",
    ),
    ...ask(/^STAT$/, "+OK 2 320\r\n"),
    ...ask(/^LIST$/, "+OK 2 messages (320 octets)\r\n1 120\r\n2 200\r\n.\r\n"),
    ...ask(/^LIST 2$/, "+OK 2 200\r\n"),
    ...ask(/^LIST 3$/, "-ERR no such message, only 2 messages in maildrop\r\n"),
    ...ask(/^UIDL$/, "+OK\r\n1 whqtswO00WBw418f9t5JxYwZ\r\n2 QhdPYR:00WBw1Ph7x7\r\n.\r\n"),
    ...ask(/^UIDL 2$/, "+OK 2 QhdPYR:00WBw1Ph7x7\r\n"),
    ...ask(/^UIDL 3$/, "-ERR no such message, only 2 messages in maildrop\r\n"),
    ...ask(/^RETR 1$/, "+OK 120 octets\r\nSubject: one\r\n\r\n..\r\n.\r\n"),
    ...ask(/^TOP 1 10$/, "+OK\r\nSubject: one\r\n\r\n..\r\n.\r\n"),
    ...ask(/^TOP 100 3$/, "-ERR no such message\r\n"),
    ...ask(/^RSET$/, "+OK maildrop has 2 messages (320 octets)\r\n"),
    ...ask(/^QUIT$/, "+OK dewey POP3 server signing off (2 messages left)\r\n"),
    stall,
  ]);
  const client = await talk.connect();
  expect(client.greeting).toBe("POP3 server ready <1896.697170952@dbc.mtview.ca.us>");
  expect(client.capabilities.sasl).toEqual(["CRAM-MD5", "KERBEROS_V4"]);
  expect(client.capabilities.parameters("IMPLEMENTATION")).toEqual(["Shlemazle-Plotz-v302"]);
  expect(await client.stat()).toEqual({ messages: 2, octets: 320 });
  expect(await client.list()).toEqual([
    { number: 1, octets: 120 },
    { number: 2, octets: 200 },
  ]);
  expect(await client.list(2)).toEqual({ number: 2, octets: 200 });
  const missing = { kind: "refused", text: "no such message, only 2 messages in maildrop", isOver: false };
  expect(await errorOf(client.list(3))).toMatchObject(missing);
  expect(await client.uidl()).toEqual([
    { number: 1, uidl: "whqtswO00WBw418f9t5JxYwZ" },
    { number: 2, uidl: "QhdPYR:00WBw1Ph7x7" },
  ]);
  expect(await client.uidl(2)).toEqual({ number: 2, uidl: "QhdPYR:00WBw1Ph7x7" });
  expect(await errorOf(client.uidl(3))).toMatchObject(missing);
  expect((await (await client.retr(1)).bytes()).toString()).toBe("Subject: one\r\n\r\n.\r\n");
  expect((await (await client.top(1, 10)).bytes()).toString()).toBe("Subject: one\r\n\r\n.\r\n");
  expect(await errorOf(client.top(100, 3))).toMatchObject({ kind: "refused", text: "no such message" });
  await client.rset();
  await client.quit();
});
