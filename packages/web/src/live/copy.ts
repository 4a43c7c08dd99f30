/**
 * Puts text on the clipboard and says so on the button for a moment.
 * The clipboard is missing over plain http off localhost: then the text is selected in the old way.
 */
export function copyText(text: string, button: EventTarget | null): void {
  const tell = (word: string): void => {
    const label = button instanceof Element ? button.querySelector("[data-copy]") : null;
    if (label === null) return;
    label.textContent = word;
    setTimeout(() => (label.textContent = "Copy"), shownMs);
  };
  const { clipboard } = navigator as { readonly clipboard?: Clipboard };
  if (clipboard === undefined) {
    tell(copyBySelection(text) ? "Copied" : "Not copied");
    return;
  }
  void clipboard.writeText(text).then(
    () => tell("Copied"),
    () => tell(copyBySelection(text) ? "Copied" : "Not copied"),
  );
}

const shownMs = 1_500;

function copyBySelection(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "said";
  // Inside an open dialog nothing outside of it can be selected.
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
