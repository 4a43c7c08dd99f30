import { errorWords, getJson } from "../live/api.ts";

/** Between two questions. Most of the waiting is in the answer: the console holds it back until Redis has said something. */
const askEveryMs = 2_000;

const words = document.querySelector("#todo");
// Without this script it says to do it by hand.
if (words) words.textContent = "It is loaded by itself as soon as it can be made.";
void loadWhenItIsThere();

/**
 * Asks for the page's data until they come or are refused for another reason, and only then loads it: until then these words stand still,
 * for whoever reads them or has them read. Asking in this way keeps nobody signed in.
 */
async function loadWhenItIsThere(): Promise<void> {
  const path = encodeURIComponent(`${location.pathname}${location.search}`);
  for (;;) {
    try {
      await getJson(`/api/page?path=${path}`);
      break;
    } catch (error) {
      if (errorWords(error).code !== "NOT_LIVE") break;
    }
    await new Promise((resolve) => setTimeout(resolve, askEveryMs));
  }
  location.reload();
}
