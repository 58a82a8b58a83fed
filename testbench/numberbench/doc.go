// Command numberbench measures numberdb and writes what it measured into its
// section of docs/benchmarks.md, bad figures too.
//
// Each size of the table is measured in a process of its own, so that memory and
// the collector's work are that table's alone. Time of lookups is told twice: as
// CPU time of the reading threads, which others on the machine change little, and
// by the clock.
//
// A measurement is one file with one function in the list of main.go.
package main
