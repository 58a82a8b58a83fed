// Command chaos puts the release binary under load while everything around it
// fails: carriers reset, close, fall silent, throttle, answer late, stop reading
// and flap, and the edge itself is killed (SIGKILL) and started again.
//
// Two loads run all the time, carrier to carrier and account to carrier. No
// message is sent twice, so whatever was acknowledged must have been accepted by
// a carrier, exactly once. What the sender did not hear of is shown: messages
// without an answer, and those that arrived though the sender was told to try
// again. Receipts are shown too, and judged by testbench/soak, which knows what a
// kill may cost.
//
// It exits with 1 if anything was lost, duplicated, altered, misrouted or
// leaked, or the edge did not start again.
//
// Start reading at main.go, then trouble.go.
package main
