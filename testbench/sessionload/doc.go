// Package sessionload makes many sessions that live at once through an edge's
// owner of masks (numberdb/sessions) on a real store, and proves what it made: no
// person has a mask twice, by what the clients were told and again by reading the
// store, and each session's bindings are there. It tells how parties spread over
// the masks, and how fast it was.
//
// The database has to be empty and is left full. Start reading at load.go.
package sessionload
