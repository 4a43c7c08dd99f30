import { browserFiles, readPreferences, shellPage } from "@mailfleet/web";
import { browserSetOf } from "../assets/browser-set.ts";
import { stripApart } from "../assets/strip-apart.ts";
import { headingOf, titleOf, type Views } from "./views.ts";

/** The pages of packages/web. Strips some hundred kilobytes: once, at the start. */
export async function webViews(): Promise<Views> {
  const set = browserSetOf(browserFiles(), await stripApart());
  return {
    set,
    shell(answer, cookies) {
      const { page } = answer;
      return shellPage({
        page: page.name,
        title: titleOf(page.name),
        heading: headingOf(answer),
        data: answer,
        preferences: readPreferences(cookies),
        letters: "frame" in answer ? answer.frame.deadLetters : 0,
        styles: set.styles,
        importMap: set.importMap,
        entry: set.entry(page.name),
        preload: set.preload(page.name),
      });
    },
  };
}
