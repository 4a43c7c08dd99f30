import type { FolderRole } from "./event.ts";

/*
 * Exchange creates a mailbox's own folders in the language its user first signed in with, and sends no special-use attribute that
 * could be relied on. Names as Outlook shows them; lower case, NFC. Gmail's and Dovecot's common English names are in, too.
 */
const roles: readonly (readonly [FolderRole, readonly string[]])[] = [
  [
    "sent",
    [
      ...["sent items", "sent", "sent mail", "sent messages"],
      ...["gesendete elemente", "gesendete objekte", "gesendet"],
      ...["éléments envoyés", "messages envoyés", "envoyés"],
      ...["elementos enviados", "enviados", "mensajes enviados"],
      ...["posta inviata", "inviata", "inviati"],
      ...["itens enviados", "mensagens enviadas"],
      ...["verzonden items", "verzonden"],
      ...["elementy wysłane", "wysłane"],
      ...["skickat", "skickade objekt"],
      ...["sendt post", "sendte elementer", "sendte meddelelser", "sendt"],
      ...["lähetetyt", "lähetetyt viestit"],
      ...["送信済みアイテム", "送信済み"],
      ...["已发送邮件", "已发送", "已发送的邮件", "寄件備份"],
    ],
  ],
  [
    "drafts",
    [
      ...["drafts", "draft"],
      ...["entwürfe"],
      ...["brouillons"],
      ...["borradores"],
      ...["bozze"],
      ...["rascunhos"],
      ...["concepten"],
      ...["wersje robocze", "robocze"],
      ...["utkast"],
      ...["kladder"],
      ...["luonnokset"],
      ...["下書き"],
      ...["草稿", "草稿箱"],
    ],
  ],
  [
    "trash",
    [
      ...["deleted items", "trash", "deleted messages", "bin"],
      ...["gelöschte elemente", "gelöschte objekte", "papierkorb"],
      ...["éléments supprimés", "corbeille"],
      ...["elementos eliminados", "papelera"],
      ...["posta eliminata", "cestino"],
      ...["itens excluídos", "itens eliminados", "lixo", "lixeira"],
      ...["verwijderde items", "prullenbak"],
      ...["elementy usunięte", "kosz"],
      ...["borttaget", "papperskorgen"],
      ...["slettet post", "slettede elementer", "papirkurv"],
      ...["poistetut", "roskakori"],
      ...["削除済みアイテム", "ごみ箱"],
      ...["已删除邮件", "已删除", "刪除的郵件", "垃圾桶"],
    ],
  ],
  [
    "junk",
    [
      ...["junk email", "junk e-mail", "junk", "spam", "bulk mail"],
      ...["junk-e-mail", "junk-email", "spamverdacht"],
      ...["courrier indésirable", "indésirables"],
      ...["correo no deseado", "correo electrónico no deseado"],
      ...["posta indesiderata"],
      ...["lixo eletrônico", "e-mail de lixo", "lixo eletrónico"],
      ...["ongewenste e-mail", "ongewenste email"],
      ...["wiadomości-śmieci", "wiadomości śmieci"],
      ...["skräppost"],
      ...["uønsket e-mail", "uønsket mail", "søppelpost", "uønsket e-post"],
      ...["roskaposti"],
      ...["迷惑メール"],
      ...["垃圾邮件", "垃圾電子郵件"],
    ],
  ],
  [
    "archive",
    [
      ...["archive", "archives"],
      ...["archiv"],
      ...["archivo", "archivar"],
      ...["archivio"],
      ...["arquivo", "arquivo morto", "arquivar"],
      ...["archief"],
      ...["archiwum"],
      ...["arkiv"],
      ...["arkisto"],
      ...["アーカイブ"],
      ...["存档", "归档", "封存"],
    ],
  ],
];

/**
 * What Exchange shows over IMAP and is not mail, per language: calendar, contacts, tasks, notes, journal, chats, sync problems, feeds,
 * outbox, files.
 */
export const nonMailNames: readonly ReadonlySet<string>[] = [
  [
    ...["calendar", "contacts", "tasks", "notes", "journal", "conversation history", "sync issues", "rss feeds", "rss subscriptions"],
    ...["outbox", "files", "suggested contacts", "conversation action settings", "quick step settings"],
  ],
  [
    ...["kalender", "kontakte", "aufgaben", "notizen", "journal", "aufgezeichnete unterhaltungen", "unterhaltungsverlauf", "rss-feeds"],
    ...["rss-abonnements", "synchronisierungsprobleme", "postausgang", "dateien", "vorgeschlagene kontakte"],
  ],
  [
    ...["calendrier", "contacts", "tâches", "notes", "journal", "historique des conversations", "problèmes de synchronisation", "flux rss"],
    ...["boîte d'envoi", "boîte d’envoi", "fichiers"],
  ],
  [
    ...["calendario", "contactos", "tareas", "notas", "diario", "historial de conversaciones", "problemas de sincronización"],
    ...["fuentes rss", "bandeja de salida", "archivos"],
  ],
  [
    ...["calendario", "contatti", "attività", "note", "diario", "cronologia conversazioni", "problemi di sincronizzazione", "feed rss"],
    ...["posta in uscita", "file"],
  ],
  [
    ...["calendário", "contatos", "contactos", "contatos sugeridos", "tarefas", "anotações", "notas", "diário", "histórico de conversas"],
    ...["histórico de conversações", "problemas de sincronização", "feeds rss", "caixa de saída", "a enviar", "arquivos", "ficheiros"],
  ],
  [
    ...["agenda", "contactpersonen", "taken", "notities", "logboek", "gespreksgeschiedenis", "synchronisatieproblemen", "rss-feeds"],
    ...["postvak uit", "bestanden"],
  ],
  [
    ...[
      "kalendarz",
      "kontakty",
      "zadania",
      "notatki",
      "dziennik",
      "historia konwersacji",
      "problemy z synchronizacją",
      "źródła danych rss",
    ],
    ...["kanały informacyjne rss", "skrzynka nadawcza", "pliki"],
  ],
  [
    ...["kalender", "kontakter", "uppgifter", "anteckningar", "journal", "konversationshistorik", "synkroniseringsproblem", "rss-flöden"],
    ...["utkorgen", "filer"],
  ],
  [
    ...["kalender", "kontaktpersoner", "opgaver", "noter", "journal", "samtalehistorik", "synkroniseringsproblemer", "rss-kilder"],
    ...["udbakke", "filer"],
  ],
  [
    ...["kalender", "kontakter", "oppgaver", "notater", "journal", "samtalelogg", "samtalehistorikk", "synkroniseringsproblemer"],
    ...["rss-feeder", "utboks", "filer"],
  ],
  [
    ...["kalenteri", "yhteystiedot", "tehtävät", "muistiinpanot", "päiväkirja", "keskusteluhistoria", "synkronointiongelmat"],
    ...["rss-syötteet", "lähtevät", "tiedostot"],
  ],
  ["予定表", "連絡先", "タスク", "メモ", "履歴", "会話の履歴", "同期の失敗", "rss フィード", "送信トレイ", "ファイル"],
  ["日历", "联系人", "任务", "便笺", "日记", "对话历史记录", "同步问题", "rss 源", "rss 订阅", "发件箱", "文件"],
].map((names) => new Set(names.map((name) => name.normalize("NFC"))));

export const roleNames: ReadonlyMap<string, FolderRole> = new Map(
  roles.flatMap(([role, names]) => names.map((name) => [name.normalize("NFC"), role] as const)),
);
