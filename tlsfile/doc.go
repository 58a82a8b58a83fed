// Package tlsfile reads what TLS needs from files in PEM, and tells whether they hold
// something else by now, so that whoever serves may go on with it.
//
// A file that cannot be read, a certificate without its key and a file of authorities
// without one are faults; an error names no content. Nothing is kept.
package tlsfile
