// Package webhooks has what an edge posts verified by others: by the Standard
// Webhooks library for Node, and by the code of docs/webhooks.md in Go and in
// TypeScript, which is compiled and run.
package webhooks
