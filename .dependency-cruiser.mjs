// SPDX-License-Identifier: Apache-2.0
import { mayImport, sideways } from "./tools/layers.mjs";

const published = Object.keys(mayImport).join("|");

/** A package may import the packages of its row in tools/layers.mjs, and itself. */
const layerRules = Object.entries(mayImport)
  .filter(([, targets]) => targets !== "*")
  .map(([folder, targets]) => ({
    name: `layer-${folder}`,
    comment:
      `${folder} may import ${targets.length === 0 ? "no other package" : targets.join(", ")}. ` +
      "Move the code to the layer that owns it, or turn the arrow round with an interface (tools/layers.mjs).",
    severity: "error",
    from: { path: `^packages/${folder}/src/` },
    to: { path: "^packages/", pathNot: `^packages/(${[folder, ...targets].join("|")})/` },
  }));

const sidewaysRules = sideways.map(({ from, to, files, why }) => ({
  name: `sideways-${from}-${to}`,
  comment: `Only ${files} may import ${to}: ${why}.`,
  severity: "error",
  from: { path: `^packages/${from}/src/`, pathNot: files },
  to: { path: `^packages/${to}/` },
}));

export default {
  forbidden: [
    ...layerRules,
    ...sidewaysRules,
    {
      name: "package-without-a-layer",
      comment: "Give the package a row in tools/layers.mjs: what may it import?",
      severity: "error",
      from: { path: "^packages/", pathNot: `^packages/(${published})/` },
      to: {},
    },
    {
      name: "core-is-pure",
      comment: "core takes time, randomness and I/O as arguments: no module of Node and no npm package.",
      severity: "error",
      from: { path: "^packages/core/src/" },
      to: { pathNot: "^packages/core/src/" },
    },
    {
      name: "no-way-round-exports",
      comment: "Another package is reached by its name and its exports, never by a path into its src/ or test/.",
      severity: "error",
      from: { path: "^(?:packages|examples)/([^/]+)/" },
      to: { path: "^(?:packages|examples)/", pathNot: "^(?:packages|examples)/$1/", dependencyTypes: ["local"] },
    },
    {
      name: "source-does-not-import-tests",
      comment: "What a published file needs lives in src/.",
      severity: "error",
      from: { path: "^packages/[^/]+/(src|bin)/" },
      to: { path: "(^|/)test/|^tools/|^examples/" },
    },
    {
      name: "source-does-not-use-dev-dependencies",
      comment: "Users do not get devDependencies: move it to dependencies, or do without.",
      severity: "error",
      from: { path: "^packages/[^/]+/(src|bin)/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["type-only", "npm-peer"] },
    },
    {
      name: "no-cycles",
      comment: "Two files that need each other are one file, or hide a third.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "resolvable",
      comment: "The import leads nowhere: wrong path, missing export, or a dependency that package.json does not name.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(packages|examples)/[^/]+/dist/" },
    // Imports of types count too: a layer that only needs the types of a higher one still depends on it.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["tsoracle-source", "types", "import", "node", "default"],
      extensions: [".ts", ".mjs", ".js", ".json"],
    },
  },
};
