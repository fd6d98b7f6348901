// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { argBoolean, argNumber, argVal, argVals, normalised, parseDatadriven } from "./datadriven.ts";

function one(text: string) {
  const directives = parseDatadriven(text, "file.txt");
  expect(directives).toHaveLength(1);
  return directives[0] as (typeof directives)[number];
}

describe("data-driven format: commands", () => {
  it("takes positions, keys with one value and keys with lists apart", () => {
    const directive = one("add-nodes 3 voters=(1, 2,3) index=10 prevote=true\n----\nok\n");
    expect(directive.cmd).toBe("add-nodes");
    expect(directive.args).toEqual([
      { key: "3", vals: [] },
      { key: "voters", vals: ["1", "2", "3"] },
      { key: "index", vals: ["10"] },
      { key: "prevote", vals: ["true"] },
    ]);
  });

  it("keeps placeholders of a list, takes () as no values and = as an empty one", () => {
    expect(one("c idx=(_,5,_) cfg=() x=\n----\n").args.map((arg) => arg.vals)).toEqual([["_", "5", "_"], [], [""]]);
  });

  it("reads quoted values and nested brackets", () => {
    expect(one('c a="b c" d=("x,y", (1,2))\n----\n').args).toEqual([
      { key: "a", vals: ["b c"] },
      { key: "d", vals: ["x,y", "(1,2)"] },
    ]);
  });

  it("joins a command with the next line after a backslash", () => {
    expect(one("c a=1 \\\n  b=2\n----\n").args.map((arg) => arg.key)).toEqual(["a", "b"]);
  });

  it("reads input between the command and the separator, comments included", () => {
    const directive = one("simple\n\nv1 l2\n# not a comment here\n----\nok\n");
    expect(directive.input).toBe("v1 l2\n# not a comment here");
  });
});

describe("data-driven format: outputs", () => {
  it("ends an output at the first blank line and tells the line of each command", () => {
    const directives = parseDatadriven("# about\n\na\n----\n1\n2\n\n\n# more\nb\n----\n3", "f");
    expect(directives.map(({ cmd, line, expected }) => [cmd, line, expected])).toEqual([
      ["a", 3, "1\n2\n"],
      ["b", 10, "3\n"],
    ]);
  });

  it("takes an output that is followed by a blank line at once as empty", () => {
    expect(parseDatadriven("a\n----\n\nb\n----\nx\n", "f").map((directive) => directive.expected)).toEqual(["", "x\n"]);
  });

  it("takes lines with # inside an output as output", () => {
    expect(one("a\n----\nx\n# y\n").expected).toBe("x\n# y\n");
  });

  it("reads a doubled output with blank lines and single separators inside", () => {
    const directives = parseDatadriven("a\n----\n----\n1\n\n----\n2\n----\n----\n\nb\n----\nok\n", "f");
    expect(directives.map((directive) => directive.expected)).toEqual(["1\n\n----\n2\n", "ok\n"]);
  });

  it("ends output of a command in exactly one form", () => {
    expect([normalised(""), normalised("a"), normalised("a\n")]).toEqual(["", "a\n", "a\n"]);
  });
});

describe("data-driven format: broken files", () => {
  it.each([
    ["no separator", "a\nb\n", "f:1: no ----"],
    ["an unclosed list", "a b=(1,2\n----\n", "f:1: a list is not closed"],
    ["an unclosed quote", '\na b="1\n----\n', "f:2: a quote is not closed"],
    ["an unclosed doubled output", "a\n----\n----\nx\n----\n", "f:1: the doubled output is not closed"],
    ["text right after a doubled output", "a\n----\n----\nx\n----\n----\ny\n", "f:1: a blank line must follow"],
    ["an argument without a key", "a =1\n----\n", 'f:1: an argument starts with "="'],
  ])("names file and line for %s", (_name, text, message) => {
    expect(() => parseDatadriven(text, "f")).toThrow(message);
  });
});

describe("data-driven format: arguments", () => {
  const directive = one("c 7 n=12 t=true f=false l=(1,2) bad=0x1\n----\n");

  it("tells an absent argument from one without a value", () => {
    expect(argVals(directive, "7")).toEqual([]);
    expect(argVals(directive, "8")).toBeUndefined();
    expect(argVal(directive, "n")).toBe("12");
    expect(argVal(directive, "absent")).toBeUndefined();
  });

  it("refuses a list where one value is due, and what is neither a number nor a truth value", () => {
    expect(() => argVal(directive, "l")).toThrow("file.txt:1: l takes one value, got 2");
    expect(argNumber(directive, "12")).toBe(12);
    expect(() => argNumber(directive, "0x1")).toThrow("expected a whole number");
    expect([argBoolean(directive, "true"), argBoolean(directive, "false")]).toEqual([true, false]);
    expect(() => argBoolean(directive, "yes")).toThrow("expected true or false");
  });
});
