// gomemcache as a worker of bench/run (bench/README.md).
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

const threads = 8

func main() {
	name, endpoint := os.Args[1], os.Args[2]+":"+os.Args[3]
	client := memcache.New(endpoint)
	value := []byte(strings.Repeat("x", 100))
	keys := make([]string, 100)
	for index := range keys {
		keys[index] = fmt.Sprintf("bench:%03d", index)
		must(client.Set(&memcache.Item{Key: keys[index], Value: value}))
	}
	must(client.Set(&memcache.Item{Key: "bench:10k", Value: []byte(strings.Repeat("x", 10000))}))
	get := func(key string) func() {
		return func() {
			_, err := client.Get(key)
			must(err)
		}
	}
	calls := map[string]func(){
		"get":    get(keys[0]),
		"get10k": get("bench:10k"),
		"set": func() {
			must(client.Set(&memcache.Item{Key: keys[0], Value: value}))
		},
		"multiget": func() {
			found, err := client.GetMulti(keys)
			must(err)
			if len(found) != len(keys) {
				panic("missing keys")
			}
		},
		"threads": get(keys[0]),
	}
	call := calls[name]
	if call == nil {
		panic("unknown case " + name)
	}
	run := func(operations int) {
		for ; operations > 0; operations-- {
			call()
		}
	}
	if name == "threads" {
		run = func(operations int) {
			var group sync.WaitGroup
			for thread := 0; thread < threads; thread++ {
				group.Add(1)
				go func() {
					defer group.Done()
					for left := operations / threads; left > 0; left-- {
						call()
					}
				}()
			}
			group.Wait()
		}
	}
	run(200)
	fmt.Println("ready")
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		operations, err := strconv.Atoi(input.Text())
		must(err)
		before, begin := cpu(), time.Now()
		run(operations)
		wall, spent := time.Since(begin).Seconds(), cpu()-before
		fmt.Printf("{\"ops\": %d, \"wall\": %.9f, \"cpu\": %.9f}\n", operations, wall, spent)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func cpu() float64 {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	seconds := func(time syscall.Timeval) float64 {
		return float64(time.Sec) + float64(time.Usec)/1e6
	}
	return seconds(usage.Utime) + seconds(usage.Stime)
}
