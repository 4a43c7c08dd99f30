import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { accountByListing } from "./account-folder.ts";
import { startCheckpoint } from "./checkpoint.ts";
import { canonicalJson, checkProof, type Proof, type ProofFolder, proofSchema, sealProof, sumsOf, verdictOf } from "./proof.ts";
import { proofUidls, uidlsOfPart } from "./proof-uidls.ts";
import { proofUids } from "./proof-uids.ts";
import { countUids, type UidSet } from "./uid-set.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

function folder(path: string, listed: UidSet, handedOff: UidSet): ProofFolder {
  const status = { messages: countUids(listed), uidNext: 100_000, uidValidity: "1" };
  const checkpoint = { ...startCheckpoint(status, 1, false), backfillBelow: 1, handedOff };
  const account = accountByListing({ status, checkpoint, isLeftOut: false }, listed);
  const uids = proofUids(account, sha256);
  return {
    path,
    status,
    comparedAt: "2026-11-23T14:03:22.000Z",
    checkpoint: { generation: 1, version: 3, basis: "b" },
    counts: account.counts,
    ...(uids && { uids }),
  };
}

function proof(folders: readonly ProofFolder[]): Proof {
  return {
    schema: proofSchema,
    program: { name: "mailfleet", version: "0.1.0" },
    by: { user: "ops", host: "box" },
    fleet: "mailfleet",
    mailbox: { tenant: "contoso", address: "support@contoso.example", protocol: "imap" },
    startedAt: "2026-11-23T14:03:22.000Z",
    endedAt: "2026-11-23T14:03:23.000Z",
    commands: 7,
    verdict: verdictOf(folders),
    folders,
    notMail: ["Calendar"],
    sums: sumsOf(folders),
  };
}

const whole = proof([folder("INBOX", [[1, 90]], [[1, 90]]), folder("Größe \u{1f600}", [[5, 5]], [[5, 5]])]);

describe("a proof", () => {
  test("checks as it was written", () => {
    expect(checkProof(sealProof(whole, sha256), sha256)).toMatchObject({ ok: true, proof: { verdict: "whole", sums: { listed: 91 } } });
  });

  test("says what is missing", () => {
    const gap = proof([folder("INBOX", [[1, 90]], [[1, 88]])]);
    expect(gap).toMatchObject({ verdict: "gaps", sums: { gaps: 2 } });
    expect(gap.folders[0]?.uids?.gaps).toEqual({ ranges: "89:90" });
  });

  test.each([
    ["one digit", (text: string) => text.replace('"commands":7', '"commands":8')],
    ["a folder's name", (text: string) => text.replace("INBOX", "INBOY")],
    ["a UID", (text: string) => text.replace("1:90", "1:91")],
    ["an added member", (text: string) => text.replace("{", '{"note":"trust me",')],
  ])("does not check once %s was changed", (_, change) => {
    const text = sealProof(whole, sha256);
    expect(change(text)).not.toBe(text);
    expect(checkProof(change(text), sha256)).toMatchObject({ ok: false });
  });

  test.each<[string, (doc: Proof) => Proof]>([
    [
      "counts that do not add up",
      (doc) => ({ ...doc, folders: doc.folders.map((one) => ({ ...one, counts: { ...one.counts, handedOff: 1_000 } })) }),
    ],
    ["sums that are not those of the folders", (doc) => ({ ...doc, sums: { ...doc.sums, listed: 5 } })],
    ["a better verdict than its folders have", (doc) => ({ ...proof([folder("INBOX", [[1, 9]], [])]), verdict: doc.verdict })],
    [
      "fewer UIDs than counted",
      (doc) => ({
        ...doc,
        folders: [
          {
            ...(doc.folders[0] as ProofFolder),
            uids: { ...(doc.folders[0]?.uids as NonNullable<ProofFolder["uids"]>), handedOff: { ranges: "1:5" } },
          },
          ...doc.folders.slice(1),
        ],
      }),
    ],
    [
      "a UID in two parts",
      (doc) => ({
        ...doc,
        folders: [
          {
            ...(doc.folders[0] as ProofFolder),
            uids: { ...(doc.folders[0]?.uids as NonNullable<ProofFolder["uids"]>), toDo: { ranges: "5" } },
          },
        ],
      }),
    ],
  ])("is refused for %s, though its digest is right", (_, change) => {
    expect(checkProof(sealProof(change(whole), sha256), sha256)).toMatchObject({ ok: false });
  });

  describe("of a spool", () => {
    const book = { uidls: Array.from({ length: 90 }, (_, at) => `0000${at}abc`) };
    const spool = (given: typeof book | undefined, listed: UidSet = [[1, 90]], handedOff: UidSet = [[1, 88]]): ProofFolder => {
      const one = folder("INBOX", listed, handedOff);
      return { ...one, uidls: proofUidls(one.uids, given, sha256) };
    };

    test("names what is missing by its UIDLs, whichever way they are numbered", () => {
      expect(uidlsOfPart(spool(book), "gaps")).toEqual(["000088abc", "000089abc"]);
      expect(uidlsOfPart(spool(undefined), "gaps")).toEqual(["89", "90"]);
      expect(uidlsOfPart(folder("INBOX", [[1, 90]], []), "gaps")).toBeUndefined();
      for (const given of [book, undefined])
        expect(checkProof(sealProof(proof([spool(given)]), sha256), sha256)).toMatchObject({ ok: true });
    });

    test("holds the hash of a list that is too long, but for what is missing", () => {
      const long = { uidls: Array.from({ length: 5_000 }, (_, at) => `${at}`.padStart(70, "x")) };
      const one = spool(long, [[1, 5_000]], [[1, 2_500]]);
      expect(uidlsOfPart(one, "handedOff")).toBeUndefined();
      expect(uidlsOfPart(one, "gaps")).toHaveLength(2_500);
      expect(checkProof(sealProof(proof([one]), sha256), sha256)).toMatchObject({ ok: true });
    });

    test("is refused where UIDLs and counts do not agree, though its digest is right", () => {
      const one = spool(book);
      const uidls = { ...(one.uidls as Exclude<ProofFolder["uidls"], "numbers" | undefined>), gaps: { list: ["000088abc"] } };
      expect(checkProof(sealProof(proof([{ ...one, uidls }]), sha256), sha256)).toEqual({
        ok: false,
        problems: ["The UIDLs of folder 1 are not as many as its counts say (gaps)."],
      });
    });

    test("says of a message whose UIDL is forgotten that it is not known", () => {
      const forgotten = { uidls: book.uidls.map((uidl, at) => (at === 88 ? "" : uidl)) };
      expect(uidlsOfPart(spool(forgotten), "gaps")).toEqual([null, "000089abc"]);
    });
  });

  test.each(["", "[]", "null", '{"schema":"other"}', `{"schema":"${proofSchema}"}`, `{"schema":"${proofSchema}","folders":[null]}`])(
    "%j is no proof",
    (text) => {
      expect(checkProof(text, sha256)).toMatchObject({ ok: false });
    },
  );

  test("holds the hash of ranges that are very long, and still checks", () => {
    const scattered: UidSet = Array.from({ length: 12_000 }, (_, i): [number, number] => [i * 2 + 10_001, i * 2 + 10_001]);
    const long = proof([folder("INBOX", scattered, scattered)]);
    expect(long.folders[0]?.uids?.handedOff).toHaveProperty("sha256");
    expect(checkProof(sealProof(long, sha256), sha256)).toMatchObject({ ok: true });
  });
});

test("canonical JSON sorts members at every depth and leaves out what is undefined", () => {
  expect(canonicalJson({ b: 1, a: [{ d: "x", c: null, e: undefined }] })).toBe('{"a":[{"c":null,"d":"x"}],"b":1}');
});
