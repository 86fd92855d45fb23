{{- define "comanda.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $both := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $both .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Labels by which selectors find a program's pods; of (dict "root" $ "program" "bar"). */}}
{{- define "comanda.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .program }}
{{- end -}}

{{- define "comanda.labels" -}}
{{ include "comanda.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: comanda
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end -}}

{{- define "comanda.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end -}}

{{/* The departments with their defaults, as JSON: {"bar": {"port": …, …}, …}. */}}
{{- define "comanda.departments" -}}
{{- $all := dict -}}
{{- range $name, $own := .Values.departments -}}
{{- if $own -}}
{{- $_ := set $all $name (mergeOverwrite (deepCopy $.Values.departmentDefaults) $own) -}}
{{- end -}}
{{- end -}}
{{- toJson $all -}}
{{- end -}}

{{- define "comanda.menu" -}}
{{- $shipped := .root.Files.Get (printf "files/menus/%s.toml" .name) -}}
{{- $menu := default $shipped .department.menu -}}
{{- required (printf "departments.%s.menu: the chart has no menu of this name, so its text has to stand here" .name) $menu -}}
{{- end -}}

{{- define "comanda.databaseSecret" -}}
{{- if .Values.database.cloudnativepg.enabled -}}
{{ include "comanda.fullname" . }}-db-app
{{- else -}}
{{ required "database.secret.name: without database.cloudnativepg.enabled a Secret has to have the URL" .Values.database.secret.name }}
{{- end -}}
{{- end -}}

{{- define "comanda.certificateName" -}}
{{ .program }}{{ with .root.Values.tls.domain }}.{{ . }}{{ end }}
{{- end -}}

{{/* Why checkov's findings about a pod do not hold; part of the annotations of what has the pod. */}}
{{- define "comanda.reasons" -}}
checkov.io/skip1: CKV_K8S_15=A version's image never changes, so that a node need not ask the registry at each start
checkov.io/skip2: CKV_K8S_43=image.digest sets a digest; the default names a version, which people can read
checkov.io/skip3: CKV_K8S_35=The programs read their settings from the environment alone, the database's URL among them
{{- end -}}

{{/* A pod's specification but for its containers and volumes; of (dict "root" $ "program" "bar"). */}}
{{- define "comanda.pod" -}}
serviceAccountName: {{ include "comanda.fullname" .root }}
automountServiceAccountToken: false
enableServiceLinks: false  # Kubernetes' COMANDA_BAR_PORT=tcp://… and the like would be settings that are not allowed
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .root.Values.pod.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .root.Values.pod.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.pod.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.pod.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Replicas on different machines, and in different zones, where there are such. */}}
{{- define "comanda.spread" -}}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "comanda.selector" $ | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end -}}

{{- define "comanda.container" -}}
image: {{ include "comanda.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  capabilities: {drop: [ALL]}
  readOnlyRootFilesystem: true
  runAsNonRoot: true
{{- end -}}

{{/* Environment of every program, the audit included, which speaks with the database alone; of (dict "root" $ "program" "bar" "settings" {…}). */}}
{{- define "comanda.environment" -}}
{{- $values := .root.Values -}}
- name: COMANDA_HOST
  value: 0.0.0.0
- name: COMANDA_RESTAURANT
  value: {{ $values.restaurant | quote }}
- name: COMANDA_LOG_LEVEL
  value: {{ $values.logLevel }}
- name: COMANDA_MENUS
  value: /menus
- name: COMANDA_DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ include "comanda.databaseSecret" .root }}
      key: {{ ternary "uri" $values.database.secret.key $values.database.cloudnativepg.enabled }}
- name: COMANDA_DATABASE_TIMEOUT
  value: {{ $values.database.timeout | quote }}
{{- if $values.database.cloudnativepg.enabled }}
- name: PGSSLMODE
  value: verify-full
- name: PGSSLROOTCERT
  value: /database/ca.crt
{{- end }}
{{- if ne .program "audit" }}
{{- if $values.metrics.enabled }}
- name: COMANDA_METRICS_HOST
  value: 0.0.0.0
- name: COMANDA_METRICS_PORT
  value: {{ $values.metrics.port | quote }}
{{- end }}
- name: COMANDA_TLS_CA
  value: /certs/ca.crt
- name: COMANDA_TLS_CERT
  value: /certs/tls.crt
- name: COMANDA_TLS_KEY
  value: /certs/tls.key
{{- with $values.tls.domain }}
- name: COMANDA_TLS_DOMAIN
  value: {{ . | quote }}
{{- end }}
{{- with $values.tracing }}
{{- if .endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .endpoint | quote }}
- name: OTEL_TRACES_SAMPLER_ARG
  value: {{ .ratio | quote }}
{{- with .headersSecret }}
{{- if .name }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom:
    secretKeyRef: {name: {{ .name }}, key: {{ .key }}}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- range $name, $value := merge (deepCopy .settings) $values.settings }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- define "comanda.mounts" -}}
- {name: menus, mountPath: /menus, readOnly: true}
{{- if ne .program "audit" }}
- {name: certificates, mountPath: /certs, readOnly: true}
{{- end }}
{{- if .root.Values.database.cloudnativepg.enabled }}
- {name: database-authority, mountPath: /database, readOnly: true}
{{- end }}
{{- end -}}

{{/* Volumes of every program; of (dict "root" $ "program" "bar" "menus" (list "bar")). */}}
{{- define "comanda.volumes" -}}
{{- $fullname := include "comanda.fullname" .root -}}
{{- if ne .program "audit" }}
- name: certificates
  secret:
    secretName: {{ $fullname }}-{{ .program }}-tls
    defaultMode: 0440
{{- end }}
- name: menus  # a whole folder: what is mounted by subPath would never change
  projected:
    defaultMode: 0444
    sources:
      {{- range .menus }}
      - configMap: {name: {{ $fullname }}-{{ . }}-menu}
      {{- end }}
{{- if .root.Values.database.cloudnativepg.enabled }}
- name: database-authority
  secret:
    secretName: {{ $fullname }}-db-ca
    defaultMode: 0440
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- end -}}

{{/* What a program may reach: names, the database, the receiver of its traces, and what extraEgress says; of (dict "root" $ "program" "bar"). */}}
{{- define "comanda.egress" -}}
{{- $program := .program -}}
{{- with .root -}}
- to: {{- toYaml .Values.networkPolicy.dns | nindent 4 }}
  ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
{{- if .Values.database.cloudnativepg.enabled }}
- to: [{podSelector: {matchLabels: {cnpg.io/cluster: {{ include "comanda.fullname" . }}-db}}}]
  ports: [{port: 5432, protocol: TCP}]
{{- else }}
- ports: [{port: {{ .Values.database.port }}, protocol: TCP}]
  {{- with .Values.database.peers }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- with .Values.tracing }}
{{- if and .endpoint (ne $program "audit") }}
- ports: [{port: {{ include "comanda.tracingPort" .endpoint }}, protocol: TCP}]
  {{- with .peers }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- with .Values.networkPolicy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* The port of a URL. */}}
{{- define "comanda.tracingPort" -}}
{{- $url := urlParse . -}}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (ternary "443" "80" (eq $url.scheme "https")) -}}
{{- end -}}

{{- define "comanda.scrapers" -}}
{{- if and .Values.metrics.enabled .Values.networkPolicy.scrapers -}}
- from: {{- toYaml .Values.networkPolicy.scrapers | nindent 4 }}
  ports: [{port: {{ .Values.metrics.port }}, protocol: TCP}]
{{- end -}}
{{- end -}}
