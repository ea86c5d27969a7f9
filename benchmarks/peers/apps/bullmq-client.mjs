// BullMQ's own client, for the driver: it has to be imported from where it is installed.
export { Queue, QueueEvents } from "bullmq";
export { Redis } from "ioredis";
