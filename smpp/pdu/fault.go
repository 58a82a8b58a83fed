package pdu

import (
	"errors"
	"fmt"
)

// Fault is what is wrong with a PDU.
type Fault struct {
	Field  string // the name of the field in the specification
	Status Status // what to answer
}

// Error names the field and the status.
func (f *Fault) Error() string {
	return fmt.Sprintf("faulty %s (command_status 0x%02X)", f.Field, uint32(f.Status))
}

// StatusOf is the command_status that err carries: ROK for nil, RSysErr where
// it is no Fault.
func StatusOf(err error) Status {
	if err == nil {
		return ROK
	}
	var f *Fault
	if errors.As(err, &f) {
		return f.Status
	}
	return RSysErr
}
