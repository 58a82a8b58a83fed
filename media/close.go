package media

// Close ends the threads, closes every socket and waits for both, and
// for the taps of what is recorded. Sessions that live end without their timeout
// being called. A second call returns
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
	for _, n := range r.networks {
		n.backend.stop()
	}
	r.endRests(forever)
	for _, s := range r.live() {
		s.close()
	}
	r.recorders.Wait()
	for _, n := range r.networks {
		n.backend.release()
	}
	r.unregister()
	return nil
}
