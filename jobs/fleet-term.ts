/** A worker of the fleet is taken for dead after so long without a sign of life. */
export const workerTermMs = 60_000;
