/** Speaks through the page's one polite live region. The same words twice are spoken twice. */
export function say(words: string): void {
  const region = document.querySelector("#said");
  if (region === null) return;
  region.textContent = "";
  setTimeout(() => (region.textContent = words), 50);
}
