import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { folderRole, isMailFolder, matchesFolder, selectFolders, type FolderFacts } from "./folders.ts";

const folder = (path: string, ...attributes: string[]): FolderFacts => ({ path, attributes });
const everything = { include: ["*"], exclude: [] };
const english = ["INBOX", "Calendar", "Contacts", "Tasks", "Notes", "Journal", "Sent Items", "Deleted Items", "Drafts", "Outbox"].map(
  (path) => folder(path),
);

describe("roles", () => {
  test.each([
    ["by attribute, whatever the name", folder("Ablage", "hasnochildren", "sent"), "sent"],
    ["INBOX in any case", folder("Inbox"), "inbox"],
    ["by name below INBOX", folder("INBOX/Sent"), "sent"],
    ["not deeper down", folder("Projects/Sent Items"), undefined],
    ["a user's own folder", folder("Customers"), undefined],
    ["an attribute that is no role", folder("All Mail", "all"), undefined],
  ])("%s", (_name, some, role) => {
    expect(folderRole(some)).toBe(role);
  });

  test.each([
    ["English", "Sent Items", "Drafts", "Deleted Items", "Junk Email", "Archive"],
    ["German", "Gesendete Elemente", "Entwürfe", "Gelöschte Elemente", "Junk-E-Mail", "Archiv"],
    ["French", "Éléments envoyés", "Brouillons", "Éléments supprimés", "Courrier indésirable", "Archive"],
    ["Spanish", "Elementos enviados", "Borradores", "Elementos eliminados", "Correo no deseado", "Archivo"],
    ["Italian", "Posta inviata", "Bozze", "Posta eliminata", "Posta indesiderata", "Archivio"],
    ["Portuguese", "Itens Enviados", "Rascunhos", "Itens Excluídos", "Lixo Eletrônico", "Arquivo Morto"],
    ["Dutch", "Verzonden items", "Concepten", "Verwijderde items", "Ongewenste e-mail", "Archief"],
    ["Polish", "Elementy wysłane", "Wersje robocze", "Elementy usunięte", "Wiadomości-śmieci", "Archiwum"],
    ["Swedish", "Skickat", "Utkast", "Borttaget", "Skräppost", "Arkiv"],
    ["Danish", "Sendt post", "Kladder", "Slettet post", "Uønsket e-mail", "Arkiv"],
    ["Norwegian", "Sendte elementer", "Utkast", "Slettede elementer", "Søppelpost", "Arkiv"],
    ["Finnish", "Lähetetyt", "Luonnokset", "Poistetut", "Roskaposti", "Arkisto"],
    ["Japanese", "送信済みアイテム", "下書き", "削除済みアイテム", "迷惑メール", "アーカイブ"],
    ["Chinese", "已发送邮件", "草稿", "已删除邮件", "垃圾邮件", "存档"],
  ])("%s names, also decomposed", (_language, ...names) => {
    const roles = ["sent", "drafts", "trash", "junk", "archive"];
    expect(names.map((path) => folderRole(folder(path)))).toEqual(roles);
    expect(names.map((path) => folderRole(folder(path.normalize("NFD"))))).toEqual(roles);
  });
});

describe("folders that hold no mail", () => {
  test.each(["Calendar", "CALENDAR/United States holidays", "Sync Issues/Conflicts", "RSS Feeds", "Kalender", "Tâches", "予定表", "便笺"])(
    "%s",
    (path) => {
      expect(isMailFolder(folder(path))).toBe(false);
    },
  );

  test.each(["INBOX", "Projects/Notes", "Customers/Calendar", "Notes 2024"])("%s is mail", (path) => {
    expect(isMailFolder(folder(path))).toBe(true);
  });

  test("a folder that cannot be opened is none", () => {
    expect(isMailFolder(folder("Shared", "noselect"))).toBe(false);
  });

  test("another language's word is a user's own folder in a mailbox that does not speak it", () => {
    const listing = [...english, folder("Agenda"), folder("File")];
    expect(selectFolders(listing, everything).synced.map(({ path }) => path)).toEqual([
      "INBOX",
      "Agenda",
      "Deleted Items",
      "Drafts",
      "File",
      "Sent Items",
    ]);
    const dutch = ["INBOX", "Agenda", "Contactpersonen", "Taken", "Verzonden items"].map((path) => folder(path));
    expect(selectFolders(dutch, everything).synced.map(({ path }) => path)).toEqual(["INBOX", "Verzonden items"]);
  });
});

describe("selection", () => {
  test("INBOX comes first, the rest by name, and nothing is lost", () => {
    const { synced, notMail, excludedByRule } = selectFolders([folder("b"), folder("Inbox"), folder("A"), folder("Calendar")], everything);
    expect(synced.map(({ path }) => path)).toEqual(["Inbox", "A", "b"]);
    expect(notMail.map(({ path }) => path)).toEqual(["Calendar"]);
    expect(excludedByRule).toEqual([]);
  });

  test("exclude beats include, in any case of letters", () => {
    const listing = ["INBOX", "Projects", "Projects/Secret", "Junk Email"].map((path) => folder(path));
    const rules = { include: ["inbox", "PROJECTS*"], exclude: ["*/secret"] };
    const { synced, excludedByRule } = selectFolders(listing, rules);
    expect(synced.map(({ path }) => path)).toEqual(["INBOX", "Projects"]);
    expect(excludedByRule.map(({ path }) => path)).toEqual(["Junk Email", "Projects/Secret"]);
  });

  test("a folder that is no mail by its name is synced when a rule names it", () => {
    expect(selectFolders(english, { include: ["*", "notes"], exclude: [] }).synced.map(({ path }) => path)).toContain("Notes");
  });

  test("one that cannot be opened is never synced", () => {
    const shared = { ...folder("Shared"), selectable: false };
    expect(selectFolders([shared], { include: ["Shared"], exclude: [] }).notMail).toEqual([shared]);
  });

  test("every folder is in exactly one of the three, in an order that does not depend on the listing's", () => {
    const paths = fc.uniqueArray(fc.oneof(fc.constantFrom("INBOX", "Calendar", "Sent Items", "a/b"), fc.string({ minLength: 1 })));
    fc.assert(
      fc.property(paths, fc.array(fc.constantFrom("*", "a*", "*b", "inbox", "*/*")), (names, exclude) => {
        const listing = names.map((path) => folder(path));
        const one = selectFolders(listing, { include: ["*"], exclude });
        const all = [...one.synced, ...one.excludedByRule, ...one.notMail];
        expect(all.length).toBe(listing.length);
        expect(new Set(all)).toEqual(new Set(listing));
        expect(selectFolders(listing.toReversed(), { include: ["*"], exclude }).synced).toEqual(one.synced);
      }),
    );
  });
});

test.each([
  ["*", "any/thing", true],
  ["Sent*", "sent items/2024", true],
  ["*2024", "Sent Items/2024", true],
  ["a*b*c", "a-b-b-c", true],
  ["a*a", "a", false],
  ["ab*ba", "aba", false],
  ["Projects/*", "Projects", false],
  ["", "x", false],
  ["[x].(y)", "[X].(Y)", true],
])("the pattern %j and %j: %s", (pattern, path, matches) => {
  expect(matchesFolder(pattern, path)).toBe(matches);
});

test("a pattern of many stars is quick", () => {
  const started = performance.now();
  expect(matchesFolder(`${"*a".repeat(2_000)}b`, "a".repeat(20_000))).toBe(false);
  // Milliseconds; who tries every way in which the stars can be dealt out is not done within a lifetime.
  expect(performance.now() - started).toBeLessThan(10_000);
});
