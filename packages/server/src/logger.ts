// SPDX-License-Identifier: Apache-2.0

/**
 * Where a server's events go. A pino logger fits as it is; so does `console` behind three small
 * functions. Fields come first, then a message that is constant per kind of event.
 */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A logger that cannot break what it reports on: what the given one throws is dropped. */
export function unbreakable(logger: Logger): Logger {
  const guarded = (level: keyof Logger) => (fields: object, message: string) => {
    try {
      logger[level](fields, message);
    } catch {
      // There is nobody left to tell.
    }
  };
  return { debug: guarded("debug"), info: guarded("info"), warn: guarded("warn"), error: guarded("error") };
}

const nothing = (): void => undefined;

/** Says nothing; the default. */
export const silentLogger: Logger = Object.freeze({ debug: nothing, info: nothing, warn: nothing, error: nothing });
