/** The folders that every mailbox has, in English, German, French and Japanese, as Exchange names them when it makes them. */
const names: readonly (readonly [en: string, de: string, fr: string, ja: string])[] = [
  ["Archive", "Archiv", "Archive", "アーカイブ"],
  ["Birthdays", "Geburtstage", "Anniversaires", "誕生日"],
  ["Calendar", "Kalender", "Calendrier", "予定表"],
  ["Contacts", "Kontakte", "Contacts", "連絡先"],
  ["Deleted Items", "Gelöschte Elemente", "Éléments supprimés", "削除済みアイテム"],
  ["Drafts", "Entwürfe", "Brouillons", "下書き"],
  ["Journal", "Journal", "Journal", "履歴"],
  ["Junk Email", "Junk-E-Mail", "Courrier indésirable", "迷惑メール"],
  ["Notes", "Notizen", "Notes", "メモ"],
  ["Outbox", "Postausgang", "Boîte d'envoi", "送信トレイ"],
  ["Sent Items", "Gesendete Elemente", "Éléments envoyés", "送信済みアイテム"],
  ["Tasks", "Aufgaben", "Tâches", "タスク"],
];

const columns = new Map([
  ["de", new Map(names.map(([en, de]) => [en, de]))],
  ["fr", new Map(names.map(([en, , fr]) => [en, fr]))],
  ["ja", new Map(names.map(([en, , , ja]) => [en, ja]))],
]);

/** A folder's path in a language; INBOX and what people made themselves stay. */
export function localName(path: string, language: string): string {
  const column = columns.get(language);
  if (!column) return path;
  return path
    .split("/")
    .map((part) => column.get(part) ?? part)
    .join("/");
}
