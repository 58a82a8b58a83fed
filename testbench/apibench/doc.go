// Command apibench measures the HTTP API of the release binary on a Postgres that
// waits for its disk, with everything on one machine, and writes what it finds into
// docs/benchmarks.md:
//
//   - sessions: made by POST /v1/sessions and read by their ids, as fast as so many
//     connections can ask;
//   - tenants: what one tenant hears at a steady pace, alone and while another one
//     floods;
//   - relay: how long messages take from carrier to carrier, alone and beside API
//     traffic at full rate.
//
// It needs Postgres, and builds the edge unless MASKLINE_BINARY names one. Start
// reading at main.go, then load.go.
package main
