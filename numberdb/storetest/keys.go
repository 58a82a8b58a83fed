package storetest

import (
	"strings"

	"maskline/numberdb"
	"maskline/seal"
)

// Keys wraps the data keys of tests, alike in every process.
func Keys() numberdb.KeyWrapper { return MasterKey("0").Wrapper() }

// MasterKey is the key of 64 times a hexadecimal digit.
func MasterKey(digit string) *seal.Key {
	key, err := seal.Parse([]byte("maskline key v1\n" + strings.Repeat(digit, 64) + "\n"))
	if err != nil {
		panic("storetest: a key of the right form was refused")
	}
	return key
}
