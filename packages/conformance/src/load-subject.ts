// SPDX-License-Identifier: Apache-2.0
import type { Subject } from "./subject.ts";
import { validateSubject } from "./validate-subject.ts";

/**
 * Imports a module that exports a subject, or a function that makes one, as `default` or `subject`.
 *
 * @param moduleUrl - Whatever `import()` accepts; a `file:` URL for a path.
 * @throws TypeError when the module holds no usable subject.
 */
export async function loadSubject(moduleUrl: string): Promise<Subject> {
  const module = (await import(moduleUrl)) as Readonly<Record<string, unknown>>;
  const exported = module["default"] ?? module["subject"];
  const made: unknown = typeof exported === "function" ? await exported() : exported;
  if (typeof made !== "object" || made === null) {
    const found = Object.keys(module).join(", ") || "nothing";
    throw new TypeError(
      `${moduleUrl}: expected a subject, or a function that makes one, exported as "default" or "subject"; it exports ${found}`,
    );
  }
  validateSubject(made as Subject);
  return made as Subject;
}
