// Command receiver takes the events that an edge posts, verifies them, and prints
// each once.
//
//	SECRET=whsec_… receiver 127.0.0.1:9000
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"sync"
	"time"

	"maskline/client"
)

func main() {
	events := make(chan *client.Event, 1000)
	go func() {
		for e := range events {
			fmt.Println(e.Type, string(e.Data)) // the work
		}
	}()
	var seen sync.Map // of ids; a real program keeps them for a few days, in its database
	hook := func(w http.ResponseWriter, r *http.Request) {
		e, err := client.ReadWebhook(r, os.Getenv("SECRET"))
		if err != nil {
			http.Error(w, "not signed", http.StatusUnauthorized)
			return
		}
		if _, again := seen.LoadOrStore(e.ID, true); !again {
			select {
			case events <- e: // answer at once, work afterwards
			default:
				seen.Delete(e.ID)
				http.Error(w, "busy", http.StatusServiceUnavailable) // it comes again
				return
			}
		}
		w.WriteHeader(http.StatusNoContent)
	}
	server := &http.Server{Addr: os.Args[1], Handler: http.HandlerFunc(hook), ReadTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}
