import { render, type TemplateResult } from "lit-html";

export interface OpenDialog {
  /** Draws it anew, with what has changed meanwhile. */
  draw(): void;
  close(): void;
}

/**
 * A native modal dialog: Esc closes it, the page behind it is inert, and the focus goes back to where it was.
 * @param view draws its content; the element with `autofocus` gets the focus
 */
export function openDialog(label: string, view: (dialog: OpenDialog) => TemplateResult, onClose: () => void = () => undefined): OpenDialog {
  const element = document.createElement("dialog");
  element.setAttribute("aria-label", label);
  const before = document.activeElement;
  const dialog: OpenDialog = {
    draw: () => render(view(dialog), element),
    close: () => element.close(),
  };
  element.addEventListener("close", () => {
    element.remove();
    if (before instanceof HTMLElement && before.isConnected) before.focus();
    onClose();
  });
  // A click beside it closes it, as Esc does.
  element.addEventListener("click", (event) => {
    if (event.target === element) element.close();
  });
  document.body.append(element);
  dialog.draw();
  element.showModal();
  return dialog;
}
