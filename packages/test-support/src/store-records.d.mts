/** One attempt, and no limit of time. */
export declare const ONE_ATTEMPT: {
  readonly maxAttempts: number;
  readonly backoffSeconds: readonly number[];
  readonly nonRetryableErrorTypes: readonly string[];
  readonly startToCloseSeconds: null;
  readonly scheduleToStartSeconds: null;
  readonly scheduleToCloseSeconds: null;
  readonly heartbeatSeconds: null;
};

/** What worker `w` says of itself who takes activities of type `t` at the queue `q`, and nothing else. */
export declare const PLAIN_WORKER: {
  readonly namespace: string;
  readonly taskQueue: string;
  readonly workerId: string;
  readonly runtime: string;
  readonly sdkVersion: null;
  readonly buildId: null;
  readonly workflowTypes: readonly string[];
  readonly activityTypes: readonly string[];
  readonly maxWorkflowTasks: number;
  readonly maxActivityTasks: number;
  readonly processIdentity: null;
  readonly capabilities: readonly string[];
  readonly capabilityManifest: Readonly<Record<string, never>>;
  readonly maxWorkerSessions: number;
  readonly taskSlots: null;
  readonly processMetrics: null;
  readonly heartbeatInterval: null;
};

/** A start of an activity of type `t` at the queue `q`, under an id that the engine makes. */
export declare const PLAIN_START: {
  readonly namespace: string;
  readonly activityId: null;
  readonly activityType: string;
  readonly activityClass: string;
  readonly taskQueue: string;
  readonly businessKey: null;
  readonly policy: typeof ONE_ATTEMPT;
  readonly input: null;
  readonly fingerprint: string;
};
