// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { fencesOf } from "./doc-examples.ts";

const ticks = "```";

describe("documentation fences", () => {
  it("say what they are and on which line their code begins", () => {
    const page = `# Page\n\n${ticks}ts run\nconst a = 1;\nconst b = 2;\n${ticks}\n\n${ticks}ts check\nconst c = 3;\n${ticks}\n`;
    expect(fencesOf("p.md", page)).toEqual([
      { page: "p.md", line: 4, kind: "run", code: "const a = 1;\nconst b = 2;" },
      { page: "p.md", line: 9, kind: "check", code: "const c = 3;" },
    ]);
  });

  it("have no kind when they do not say it", () => {
    expect(fencesOf("p.md", `${ticks}ts\nx\n${ticks}\n`)[0]?.kind).toBeUndefined();
    expect(fencesOf("p.md", `${ticks}typescript title=x\nx\n${ticks}\n`)[0]?.kind).toBeUndefined();
  });

  it("are left alone in other languages", () => {
    expect(fencesOf("p.md", `${ticks}sh\nls\n${ticks}\n${ticks}json\n{}\n${ticks}\n`)).toEqual([]);
  });

  it("lose the indentation of a list they stand in", () => {
    expect(fencesOf("p.md", `- x\n  ${ticks}ts check\n  a();\n    b();\n  ${ticks}\n`)[0]?.code).toBe("a();\n  b();");
  });

  it("may be fenced by more ticks, to show a fence inside", () => {
    const page = `${ticks}${ticks}ts sketch\n${ticks}\n${ticks}${ticks}\n`;
    expect(fencesOf("p.md", page)).toHaveLength(1);
    expect(fencesOf("p.md", page)[0]?.code).toBe(ticks);
  });
});
