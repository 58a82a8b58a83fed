package media

// Close ends the threads, closes every socket and waits for both. Sessions
// that live end without their timeout being called. A second call returns
// ErrClosed.
func (r *Relay) Close() error {
	r.gate.Lock()
	if r.closed {
		r.gate.Unlock()
		return ErrClosed
	}
	r.closed = true
	r.gate.Unlock()

	close(r.quit)
	r.sweeper.Wait()
	r.backend.stop()
	for _, s := range append(r.live(), r.ports.rested(forever)...) {
		s.close()
	}
	r.backend.release()
	r.unregister()
	return nil
}
