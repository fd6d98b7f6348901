// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { RefusalNews } from "../../src/node/refusal-news.ts";

describe("what is said of refusals", () => {
  it("is said once, and again after a while, for each of them", () => {
    const news = new RefusalNews();
    expect([news.isNews("a"), news.isNews("b"), news.isNews("a")]).toEqual([true, true, false]);
    for (let tick = 0; tick < 599; tick++) news.tick();
    expect(news.isNews("a")).toBe(false);
    news.tick();
    expect([news.isNews("a"), news.isNews("a")]).toEqual([true, false]);
  });

  it("is not remembered without end", () => {
    const news = new RefusalNews();
    for (let peer = 0; peer <= 256; peer++) expect(news.isNews(`${peer}`)).toBe(true);
    expect(news.isNews("0")).toBe(true);
  });
});
