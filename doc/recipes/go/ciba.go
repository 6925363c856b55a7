// Has a user authenticated by OpenID CIBA, and prints his ID token.
// Usage: go run . ISSUER CLIENT_ID LOGIN_PROFILE HINT_PROFILE USER
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// readJSON takes the reply apart, unless the request has failed.
func readJSON(response *http.Response, err error, into any) {
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil || response.StatusCode != 200 {
		log.Fatalf("%s: status %d, %v, %v", response.Request.URL, response.StatusCode, err, into)
	}
}

// errorOf is the error's name where the provider has given one.
func errorOf(err error) string {
	var refused *oauth2.RetrieveError
	var body struct{ Error string }
	if errors.As(err, &refused) {
		json.Unmarshal(refused.Body, &body)
	}
	return body.Error
}

func main() {
	if len(os.Args) != 6 {
		log.Fatal("usage: ciba ISSUER CLIENT_ID LOGIN_PROFILE HINT_PROFILE USER")
	}
	issuer, client, login, hint, user := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]

	var provider struct {
		Token       string `json:"token_endpoint"`
		Backchannel string `json:"backchannel_authentication_endpoint"`
	}
	response, err := http.Get(issuer + "/.well-known/openid-configuration")
	readJSON(response, err, &provider)

	web := &http.Client{Timeout: 30 * time.Second, Transport: &Transport{
		Profile: login, Audience: issuer, Endpoints: []string{provider.Token, provider.Backchannel},
		Base: http.DefaultTransport}}
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, web)

	token, err := Mint(ctx, Request{Profile: hint, Audience: issuer, Claims: map[string]any{"sub": user}})
	if err != nil {
		log.Fatal(err)
	}
	request := map[string]any{}
	response, err = web.PostForm(provider.Backchannel,
		url.Values{"client_id": {client}, "scope": {"openid"}, "login_hint_token": {token}})
	readJSON(response, err, &request)
	interval := 5 * time.Second
	if seconds, ok := request["interval"].(float64); ok {
		interval = time.Duration(seconds) * time.Second
	}

	grant := clientcredentials.Config{
		ClientID: client, TokenURL: provider.Token, AuthStyle: oauth2.AuthStyleInParams,
		EndpointParams: url.Values{"grant_type": {"urn:openid:params:grant-type:ciba"},
			"auth_req_id": {fmt.Sprint(request["auth_req_id"])}}}
	for {
		time.Sleep(interval)
		tokens, err := grant.Token(ctx)
		if err == nil {
			// Whoever uses the ID token verifies it first (OpenID Connect Core section 3.1.3.7).
			fmt.Println(tokens.Extra("id_token"))
			return
		}
		switch errorOf(err) {
		case "authorization_pending":
		case "slow_down":
			interval += 5 * time.Second
		default:
			log.Fatal(err)
		}
	}
}
