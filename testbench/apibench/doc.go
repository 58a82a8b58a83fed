// Command apibench measures the HTTP API of an edge on Postgres, with everything
// on one machine: sessions made by POST /v1/sessions over so many connections, then
// read by their ids. It prints rates and times; docs/benchmarks.md tells more.
//
// It needs Postgres and, in MASKLINE_BINARY, the edge.
package main
