/** Every icon of the console, 24 x 24, drawn with the text's colour. Each state has a shape of its own, so that colour is never needed. */
const drawings = {
  "dashed ring": `<circle cx="12" cy="12" r="9" stroke-dasharray="3.5 3.6"/><path d="M9.8 9.6a2.2 2.2 0 1 1 3.3 1.9c-.8.5-1.1.9-1.1 1.7"/><path d="M12 16.4v.1"/>`,
  "two bars": `<path d="M8 5v14M16 5v14" stroke-width="4" stroke-linecap="butt"/>`,
  octagon: `<path d="M8.3 3h7.4L21 8.3v7.4L15.7 21H8.3L3 15.7V8.3z"/><path d="M12 7.5v5.5M12 16.4v.1" stroke-width="2.2"/>`,
  clock: `<circle cx="12" cy="12" r="9"/><path d="M12 7v5.3l3.3 2"/>`,
  triangle: `<path d="M12 3.6 21.4 20H2.6z"/><path d="M12 9.8v4.6M12 17.2v.1" stroke-width="2.2"/>`,
  ring: `<circle cx="12" cy="12" r="8.5"/>`,
  "two arrows": `<path d="M20 11a8 8 0 0 0-14.3-4.3L4 8.5M4 4v4.5h4.5M4 13a8 8 0 0 0 14.3 4.3l1.7-1.8M20 20v-4.5h-4.5"/>`,
  check: `<path d="m4.5 12.8 5 5L19.8 7" stroke-width="2.4"/>`,
  fleet: `<path d="M4 19V9.5M9.3 19V5M14.7 19v-6.5M20 19V8"/>`,
  mailboxes: `<path d="M3 13.5 5.6 5h12.8L21 13.5V19H3zM3 13.5h5.2l1.3 2.6h5l1.3-2.6H21"/>`,
  letters: `<path d="M3 5.5h18v8M3 5.5v13h10M3 6l9 7 9-7M16.5 16.5l4.5 4.5M21 16.5 16.5 21"/>`,
  activity: `<path d="M8 6h13M8 12h13M8 18h13M3.5 6h.1M3.5 12h.1M3.5 18h.1"/>`,
  about: `<circle cx="12" cy="12" r="9"/><path d="M12 11.2v5M12 7.8v.1" stroke-width="2.2"/>`,
  copy: `<path d="M9 9h11v11H9zM5 15H4V4h11v1"/>`,
  close: `<path d="m5.5 5.5 13 13M18.5 5.5l-13 13"/>`,
  up: `<path d="m6 14.5 6-6 6 6"/>`,
  down: `<path d="m6 9.5 6 6 6-6"/>`,
  bolt: `<path d="M13 3 5 13.5h6L10.5 21 19 10.5h-6z"/>`,
} as const;

export type IconName = keyof typeof drawings;

export const iconId = (name: IconName): string => `i-${name.replaceAll(" ", "-")}`;

/** Once in the shell; everything else refers to it by id. */
export function spriteSvg(): string {
  const symbols = Object.entries(drawings).map(
    ([name, drawing]) => `<symbol id="${iconId(name as IconName)}" viewBox="0 0 24 24">${drawing}</symbol>`,
  );
  return `<svg hidden aria-hidden="true">${symbols.join("")}</svg>`;
}
