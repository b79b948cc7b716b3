{{/*
What the server would refuse in `config`, beyond what values.schema.json says of each value by itself: a list in JSON. ci/chart/same-verdict.mjs
keeps it equal to the server's own rules.
*/}}
{{- define "access-token-broker.configFaults" -}}
{{- $faults := list -}}
{{- $config := .Values.config -}}
{{- $redis := $config.redis | default dict -}}
{{- $apps := include "access-token-broker.named" $config.apps | fromJsonArray -}}
{{- $clients := include "access-token-broker.named" $config.clients | fromJsonArray -}}

{{- $names := dict -}}
{{- $accounts := dict -}}
{{- $types := dict -}}
{{- range $apps -}}
{{- $app := .name -}}
{{- if hasKey $names .name }}{{ $faults = append $faults (printf "config.apps: the name %s is there twice" .name) }}{{ end -}}
{{- $_ := set $names .name true -}}
{{- $url := .apiBaseUrl | default "https://api.weixin.qq.com" -}}
{{- $holder := list (regexReplaceAll "^https?://([^/]*).*$" $url "${1}") .appId | join " " -}}
{{- $type := .type | default "official_account" -}}
{{- if eq (.provider | default "wechat") "wechat" -}}
{{- if and (hasKey $types $holder) (ne (get $types $holder) $type) -}}
{{- $faults = append $faults (printf "config.apps: the type of %s is not that of another app with the same appId: an AppID is of one type" $app) -}}
{{- end -}}
{{- $_ := set $types $holder $type -}}
{{- if and (eq $type "website") (hasKey . "grant") -}}
{{- $faults = append $faults (printf "config.apps: grant of %s must be left out: an app of type website has no access token" $app) -}}
{{- end -}}
{{- end -}}
{{- $account := list $holder (.grant | default "stable") | join " " -}}
{{- with and (eq (.provider | default "wechat") "wechat") (get $accounts $account) -}}
{{- $faults = append $faults (printf "config.apps: %s and %s have the same appId, host and grant: each fetch of one would kill the other's token; keep one of the two, which several callers can use" . $app) -}}
{{- end -}}
{{- $_ := set $accounts $account .name -}}
{{- $refresh := .refresh | default dict -}}
{{- $timeout := $refresh.upstreamTimeoutSeconds | default 8 -}}
{{- $lease := $refresh.leaseSeconds | default 15 -}}
{{- if lt (subf $lease $timeout) 0.999999999 -}}
{{- $faults = append $faults (printf "config.apps: leaseSeconds of %s must exceed upstreamTimeoutSeconds by at least 1: %v against %v" .name $lease $timeout) -}}
{{- end -}}
{{- $daily := $refresh.dailyBudget | default 200 -}}
{{- if gt (float64 ($refresh.forcedDailyBudget | default 0)) (float64 $daily) -}}
{{- $faults = append $faults (printf "config.apps: forcedDailyBudget of %s must be at most dailyBudget: %v is more than %v" .name $refresh.forcedDailyBudget $daily) -}}
{{- end -}}
{{- end -}}

{{- $ways := dict "config.egress" ($config.egress | default dict) -}}
{{- range $apps }}{{ $_ := set $ways (printf "config.apps: egress of %s" .name) (.egress | default dict) }}{{ end -}}
{{- range $path, $way := $ways -}}
{{- if and (hasKey $way "proxy") $way.proxyFromEnvironment -}}
{{- $faults = append $faults (printf "%s: proxy and proxyFromEnvironment are both set; remove one of them" $path) -}}
{{- end -}}
{{- if and (not (hasKey $way "proxy")) (or (hasKey $way "proxyUsername") (hasKey $way "proxyPassword")) -}}
{{- $faults = append $faults (printf "%s: proxyUsername and proxyPassword are for the proxy that proxy names: set proxy or remove them" $path) -}}
{{- end -}}
{{- end -}}

{{- $issuers := list -}}
{{- range ($config.identities | default dict).jwt -}}
{{- if has .issuer $issuers }}{{ $faults = append $faults (printf "config.identities.jwt: the issuer %s is there twice" .issuer) }}{{ end -}}
{{- $issuers = append $issuers .issuer -}}
{{- if eq (hasKey . "jwks") (hasKey . "jwksUri") -}}
{{- $faults = append $faults (printf "config.identities.jwt: %s must have one of jwksUri and jwks" .issuer) -}}
{{- else if and (hasKey . "jwks") (or (hasKey . "caFile") (hasKey . "tokenFile")) -}}
{{- $faults = append $faults (printf "config.identities.jwt: caFile and tokenFile of %s are for jwksUri: set that or remove them" .issuer) -}}
{{- end -}}
{{- end -}}
{{- with .Values.clusterIdentity }}{{ $issuers = append $issuers (.issuer | default "https://kubernetes.default.svc.cluster.local") }}{{ end -}}
{{- if ne (len $issuers) (len (uniq $issuers)) }}{{ $faults = append $faults "clusterIdentity: config.identities.jwt has this issuer as well; take one of the two away" }}{{ end -}}
{{- $server := $config.server | default dict -}}
{{- if and $server.adminPort (eq (int $server.adminPort) (include "access-token-broker.port" . | int)) -}}
{{- $faults = append $faults "config.server.adminPort: must be another port than config.server.port" -}}
{{- end -}}
{{- $hasClientCa := or .Values.tls.clientCa ($server.tls | default dict).clientCa -}}
{{- $subjects := dict -}}
{{- $sans := dict -}}

{{- $callers := dict -}}
{{- $hashes := dict -}}
{{- range $clients -}}
{{- $client := .name -}}
{{- if hasKey $callers $client }}{{ $faults = append $faults (printf "config.clients: the name %s is there twice" $client) }}{{ end -}}
{{- $_ := set $callers $client true -}}
{{- range .keySha256 -}}
{{- if hasKey $hashes (lower .) }}{{ $faults = append $faults (printf "config.clients: a keySha256 of %s is that of %s as well; each caller has keys of its own" $client (get $hashes (lower .))) }}{{ end -}}
{{- $_ := set $hashes (lower .) $client -}}
{{- end -}}
{{- range .keys -}}
{{- if eq (hasKey . "file") (hasKey . "sha256") -}}
{{- $faults = append $faults (printf "config.clients: a key of %s must have one of file and sha256" $client) -}}
{{- end -}}
{{- with .sha256 -}}
{{- if hasKey $hashes (lower .) }}{{ $faults = append $faults (printf "config.clients: a sha256 of %s is that of %s as well; each caller has keys of its own" $client (get $hashes (lower .))) }}{{ end -}}
{{- $_ := set $hashes (lower .) $client -}}
{{- end -}}
{{- end -}}
{{- if not (or (hasKey . "keySha256") (hasKey . "keys") (hasKey . "subjects") (hasKey . "certificates")) -}}
{{- $faults = append $faults (printf "config.clients: %s needs keySha256, keys, subjects or certificates: nobody can be this caller" $client) -}}
{{- end -}}
{{- range .subjects -}}
{{- if eq (hasKey . "sub") (hasKey . "kubernetes") -}}
{{- $faults = append $faults (printf "config.clients: a subject of %s must have one of sub and kubernetes" $client) -}}
{{- end -}}
{{- if not $issuers -}}
{{- $faults = append $faults (printf "config.clients: a subject of %s needs an issuer: list it under config.identities.jwt, or set clusterIdentity" $client) -}}
{{- else if not (hasKey . "issuer") -}}
{{- if gt (len $issuers) 1 }}{{ $faults = append $faults (printf "config.clients: a subject of %s must name its issuer, for there are several" $client) }}{{ end -}}
{{- else if not (has .issuer $issuers) -}}
{{- $faults = append $faults (printf "config.clients: a subject of %s is of an issuer that is not in config.identities.jwt" $client) -}}
{{- end -}}
{{- $kubernetes := .kubernetes | default dict -}}
{{- $sub := .sub | default (printf "system:serviceaccount:%v:%v" $kubernetes.namespace $kubernetes.serviceAccount) -}}
{{- $subject := printf "%v %v" (.issuer | default (first $issuers)) $sub -}}
{{- if hasKey $subjects $subject }}{{ $faults = append $faults (printf "config.clients: a subject of %s is that of %s as well" $client (get $subjects $subject)) }}{{ end -}}
{{- $_ := set $subjects $subject $client -}}
{{- end -}}
{{- range .certificates -}}
{{- if not $hasClientCa }}{{ $faults = append $faults (printf "config.clients: certificates of %s need config.server.tls.clientCa, or tls.clientCa" $client) }}{{ end -}}
{{- if hasKey $sans .san }}{{ $faults = append $faults (printf "config.clients: a certificate of %s is that of %s as well" $client (get $sans .san)) }}{{ end -}}
{{- $_ := set $sans .san $client -}}
{{- end -}}
{{- if kindIs "slice" .apps -}}
{{- range .apps -}}
{{- if not (or (hasKey $names .) $config.configDir $.Values.teams.configMaps) }}{{ $faults = append $faults (printf "config.clients: %s names the app %s, which is not in config.apps" $client .) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- $ids := dict -}}
{{- range ($config.encryption | default dict).keys -}}
{{- if hasKey $ids .id }}{{ $faults = append $faults (printf "config.encryption.keys: the id %s is there twice" .id) }}{{ end -}}
{{- $_ := set $ids .id true -}}
{{- end -}}

{{- if $redis -}}
{{- $kinds := list -}}
{{- range list "url" "sentinels" "clusterNodes" }}{{ if hasKey $redis . }}{{ $kinds = append $kinds . }}{{ end }}{{ end -}}
{{- if ne (len $kinds) 1 -}}
{{- $faults = append $faults (printf "config.redis: must have exactly one of url, sentinels and clusterNodes, got %s" (join " and " $kinds | default "none")) -}}
{{- end -}}
{{- if ne (hasKey $redis "sentinels") (hasKey $redis "name") -}}
{{- $faults = append $faults "config.redis: sentinels and name go together: name is what the sentinels call the primary" -}}
{{- end -}}
{{- if and (not (hasKey $redis "sentinels")) (or (hasKey $redis "sentinelUsername") (hasKey $redis "sentinelPassword")) -}}
{{- $faults = append $faults "config.redis: sentinelUsername and sentinelPassword are for sentinels: set sentinels or remove them" -}}
{{- end -}}
{{- end -}}
{{- toJson $faults -}}
{{- end -}}
