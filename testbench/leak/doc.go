// Package leak finds telephone numbers in whatever was sent to somebody who
// must not see them: in plain digits, and in the disguises that protocols give
// them (UTF-16, hexadecimal, base64, packed septets, swapped semi-octets).
//
// It searches for the last nine digits, so national forms are found too.
//
// It finds the keys of SRTP in the same way, by a part of them.
package leak
