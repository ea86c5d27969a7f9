export * from "@durable-workflow/test-support/lambda-events";
