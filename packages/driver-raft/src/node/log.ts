// SPDX-License-Identifier: Apache-2.0

/** Where the driver's events go. A pino logger fits as it is. */
export interface DriverLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export type LogLevel = keyof DriverLog;

/** A log that cannot break what it reports on. */
export function unbreakable(log: DriverLog | undefined): DriverLog {
  const guarded = (level: LogLevel) => (fields: object, message: string) => {
    try {
      log?.[level](fields, message);
    } catch {
      // There is nobody left to tell.
    }
  };
  return { info: guarded("info"), warn: guarded("warn"), error: guarded("error") };
}
