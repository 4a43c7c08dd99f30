import { describe, expect, test } from "vitest";
import { endsInData, htmlPartSeparator, joinHtml } from "./join-html.ts";

describe("joined HTML parts", () => {
  test("stand side by side when each ends between tags", () => {
    const parts = ["<!DOCTYPE html><p class='a>b'>one</p>", '<script>if (a < b) "</p>"</script>two <', "<![if !x]>three"];
    expect(joinHtml([parts[0] ?? "", "two", "three"])).toEqual({ html: [parts[0], "two", "three"].join(htmlPartSeparator), rest: [] });
    expect(joinHtml(["one"])).toEqual({ html: "one", rest: [] });
  });

  test("stop before a part that an open tag would swallow", () => {
    expect(joinHtml(['<img src="http://x/', "secret", '">'])).toEqual({ html: '<img src="http://x/', rest: ["secret", '">'] });
    expect(joinHtml(["ok", "<a href=", "secret"])).toEqual({ html: `ok${htmlPartSeparator}<a href=`, rest: ["secret"] });
  });

  test.each([
    ["", true],
    ["a < b", true],
    ["<p>a</p>", true],
    ["<br/>", true],
    [`<a title=">" b='>' c=">`, false],
    [`<a =">`, true],
    [`<a b">`, true],
    [`<a b= '>`, false],
    ["<a b=c'd>", true],
    ["<a b = >", true],
    ["<p", false],
    ["</p", false],
    ["a <", false],
    ["<!-- a", false],
    ["<!-- a --> b", true],
    ["<!--> b -->", false],
    ["<!-- a --!> <p -->", false],
    ["<!DOCTYPE", false],
    ["<?xml", false],
    ["<![CDATA[ > ]]>", false],
    ["<style>a > b", false],
    ["<STYLE>a</style >", true],
    ["<style>a</styles>", false],
    ["<script><!--<script></script>", false],
    ["<textarea><p></textarea", false],
    ["<plaintext>", false],
    ["<svg><style></svg>", false],
  ])("%j ends between tags: %s", (html, expected) => {
    expect(endsInData(html)).toBe(expected);
  });

  test("takes linear time on markup that is never closed", () => {
    for (const html of ["<!---- ".repeat(200_000), "<a b='".repeat(200_000), "<script>".repeat(200_000), "<!-- a -->".repeat(200_000)]) {
      const start = performance.now();
      endsInData(html);
      expect(performance.now() - start).toBeLessThan(20_000);
    }
  });
});
