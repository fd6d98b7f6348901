// SPDX-License-Identifier: Apache-2.0

/** Libraries whose package is not named after them. */
const PACKAGED_TOGETHER: Readonly<Record<string, string>> = { libcrypto: "libssl", libcares: "libc-ares" };

/**
 * The names that a Debian package of a shared library can have, by the rule of Debian Policy 8.1: the name of the
 * library and its version, with a hyphen between two digits, in lower case and without underscores; with the
 * suffix of the 64-bit time transition on newer releases.
 *
 * @param soname as `ldd` prints it, for example `libjemalloc.so.2`
 * @returns candidates in the order to try; none for a name that is no versioned library
 */
export function libraryPackages(soname: string): string[] {
  const match = /^(lib[\w.+-]*?)\.so\.(\d[\w.]*)$/.exec(soname);
  const [, stem, version] = match ?? [];
  if (stem === undefined || version === undefined) return [];
  const name = (PACKAGED_TOGETHER[stem] ?? stem).toLowerCase().replaceAll("_", "-");
  const joined = /\d$/.test(name) ? `${name}-${version}` : `${name}${version}`;
  // libgcc_s.so.1 is in libgcc-s1, and this is what the rule gives.
  return [joined, `${joined}t64`];
}
