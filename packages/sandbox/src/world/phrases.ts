/** Invented everyday office text, in several languages so that every transfer encoding and many charset ranges occur. */
export interface Language {
  readonly subjects: readonly string[];
  readonly sentences: readonly string[];
}

const english: Language = {
  subjects: [
    "Delivery date for order {n}",
    "Invoice {n} attached",
    "Question about the maintenance contract",
    "Minutes of Tuesday's call",
    "Ticket {n}: printer on floor 3",
    "Offer {n} for the new warehouse",
    "Reminder: timesheets are due",
    "Change of bank details, please confirm by phone",
    "Login does not work since this morning",
    "Your reservation {n}",
    "Draft agenda for the workshop",
    "Shipping notice {n}",
    "Refund for order {n}",
    "Updated price list",
    "Application for the position in accounting",
  ],
  sentences: [
    "Thank you for the quick answer yesterday.",
    "The parts left our warehouse this morning and should reach you before Friday.",
    "Could you send us the signed copy, so that we can close the file?",
    "We noticed that two lines of the order are counted twice.",
    "The customer called again and asks for a date.",
    "I moved the meeting to half past ten because the room was taken.",
    "Attached you find the figures for the last quarter, with the corrections we spoke about.",
    "After the update the printer on the third floor prints every page in landscape.",
    "Nothing is urgent here, but I would like to settle it before the holidays.",
    "The total is lower than in our offer, since the second pallet was not used.",
    "Let me know if the address on the label is still right.",
    "Our technician can come on Monday or Wednesday, between eight and noon.",
    "I have put the old contract beside the new one, so that the differences are easy to see.",
    "Two of the five boxes were damaged; photos are in the shared folder.",
    "We will keep the price until the end of the month.",
    "From next week on please use the new reference in all letters.",
  ],
};

const german: Language = {
  subjects: [
    "Rückfrage zur Rechnung {n}",
    "Liefertermin für Auftrag {n}",
    "Änderung der Öffnungszeiten",
    "Angebot {n} für die Büromöbel",
    "Krankmeldung bis Freitag",
  ],
  sentences: [
    "Vielen Dank für die schnelle Rückmeldung.",
    "Die Lieferung verzögert sich um zwei Tage, weil ein Bauteil fehlt.",
    "Könnten Sie uns die Unterlagen bis Donnerstag zuschicken?",
    "Der Betrag weicht um 12,50 € von unserem Angebot ab.",
    "Im Anhang finden Sie die überarbeitete Fassung.",
    "Für Rückfragen stehe ich gern zur Verfügung.",
    "Über die Größe der Räume sprechen wir am Montag.",
  ],
};

const french: Language = {
  subjects: ["Facture n° {n}", "Réunion déplacée à jeudi", "Demande de congés", "Dépannage prévu le matin"],
  sentences: [
    "Merci pour votre réponse rapide.",
    "La livraison est prévue pour la semaine prochaine, sauf retard à la douane.",
    "Pourriez-vous vérifier l'adresse à côté du numéro de commande ?",
    "Nous avons reçu les échantillons, ils sont très réussis.",
    "Le contrat signé est joint à ce message.",
    "L'équipe sera présente dès neuf heures.",
  ],
};

const spanish: Language = {
  subjects: ["Pedido {n}: ¿cuándo llega?", "Presupuesto para el año próximo", "Incidencia {n} en la oficina de Málaga"],
  sentences: [
    "Gracias por la información de ayer.",
    "El camión salió esta mañana y llegará el miércoles.",
    "¿Podría enviarnos la factura corregida?",
    "Adjuntamos el presupuesto con los cambios señalados.",
    "El señor Núñez confirmará la reunión por teléfono.",
  ],
};

const greek: Language = {
  subjects: ["Παραγγελία {n}", "Ερώτηση για το τιμολόγιο"],
  sentences: [
    "Σας ευχαριστούμε για την άμεση απάντηση.",
    "Η παράδοση θα γίνει την επόμενη εβδομάδα.",
    "Παρακαλούμε στείλτε μας το υπογεγραμμένο αντίγραφο.",
    "Το γραφείο θα είναι κλειστό τη Δευτέρα.",
  ],
};

const japanese: Language = {
  subjects: ["ご注文{n}の納期について", "請求書{n}の件", "会議の日程変更のお知らせ"],
  sentences: [
    "いつもお世話になっております。",
    "ご注文の商品は本日発送いたしました。",
    "添付の資料をご確認ください。",
    "来週の会議は水曜日に変更になりました。",
    "ご不明な点がございましたらお知らせください。",
  ],
};

const russian: Language = {
  subjects: ["Счёт {n} за ноябрь", "Вопрос по договору поставки"],
  sentences: [
    "Спасибо за быстрый ответ.",
    "Груз прибудет на склад в четверг утром.",
    "Пожалуйста, пришлите подписанный экземпляр договора.",
    "Во вложении исправленный счёт.",
  ],
};

/** English is common, the others less so; those from `firstNonLatin` on are sent as base64. */
export const languages: readonly Language[] = [english, german, french, spanish, greek, japanese, russian];
export const firstNonLatin = 4;
