/** A file that only its owner reads, there before there is anything to write into it. Nothing is shown, so no transcript has it. */
export const secretFunctions = String.raw`function New-PrivateFile {
  param($Path)
  $full = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Path)
  [System.IO.File]::Open($full, 'CreateNew').Dispose()
  try {
    if ($env:OS -eq 'Windows_NT') {
      $rights = Get-Acl -LiteralPath $full
      $rights.SetAccessRuleProtection($true, $false)
      $me = [System.Security.Principal.WindowsIdentity]::GetCurrent().User
      $rights.AddAccessRule([System.Security.AccessControl.FileSystemAccessRule]::new($me, 'FullControl', 'Allow'))
      Set-Acl -LiteralPath $full -AclObject $rights
    }
    else {
      chmod '600' $full
      if ($LASTEXITCODE -ne 0) { throw ('The rights of {0} could not be restricted. No secret was made.' -f $full) }
    }
  }
  catch {
    # An empty file would be taken for a secret that is there already.
    [System.IO.File]::Delete($full)
    throw
  }
  return $full
}

function Add-Secret {
  param($App, $Path, $Months)
  if (Test-Path -LiteralPath $Path) {
    Write-Outcome '' 'secret' 'same' ('{0} is there already; no other secret was made' -f $Path)
    return
  }
  if (-not $Gate.ShouldProcess($App.DisplayName, 'add a client secret')) {
    Write-Outcome '' 'secret' 'planned' ('would be written to {0}' -f $Path)
    return
  }
  $full = New-PrivateFile $Path
  $made = $null
  try {
    $made = Add-MgApplicationPassword -ApplicationId $App.Id -PasswordCredential @{ DisplayName = 'mailfleet'; EndDateTime = (Get-Date).ToUniversalTime().AddMonths($Months) } -Confirm:$false
    [System.IO.File]::WriteAllText($full, $made.SecretText)
    Write-Outcome '' 'secret' 'done' ('key {0}, until {1:yyyy-MM-dd}, in {2}' -f $made.KeyId, $made.EndDateTime, $Path)
  }
  catch {
    $why = $_.Exception.Message
    [System.IO.File]::Delete($full)
    if ($null -eq $made) { throw }
    # In no file it is of no use to anybody, and works all the same. It is named here first: the report may be what cannot be written.
    Write-Host ('key {0} of {1} is in Entra, and was not written to {2}; it is removed again' -f $made.KeyId, $App.DisplayName, $Path)
    $left = ''
    try { Remove-MgApplicationPassword -ApplicationId $App.Id -KeyId $made.KeyId -Confirm:$false }
    catch { $left = $_.Exception.Message }
    if ($left -eq '') { Write-Outcome '' 'secret' 'failed' ('key {0} could not be written to {1}, and was removed from Entra again' -f $made.KeyId, $Path) }
    else { Write-Outcome '' 'secret' 'look' ('key {0} is in Entra and in no file, and could not be removed; remove it under Certificates & secrets, or with --undo: {1}' -f $made.KeyId, $left) }
    throw ('The secret could not be written to {0}: {1}' -f $Path, $why)
  }
}`;

export const certificateFunctions = String.raw`function Read-Certificate {
  if ($CertificateFile -ne '') { $bytes = [System.IO.File]::ReadAllBytes((Resolve-Path -LiteralPath $CertificateFile).ProviderPath) }
  elseif ($CertificateText -ne '') { $bytes = [System.Convert]::FromBase64String($CertificateText) }
  else {
    Write-Host 'A certificate is needed, and none was given. Make one where mailfleet runs; its key never leaves that machine:'
    Write-Host '  openssl req -x509 -newkey rsa:3072 -sha256 -nodes -days 365 -subj /CN=mailfleet -keyout mailfleet.key.pem -out mailfleet.cert.pem'
    Write-Host '  or on Windows: New-SelfSignedCertificate -Subject CN=mailfleet -KeyAlgorithm RSA -KeyLength 3072 -KeyExportPolicy Exportable -CertStoreLocation Cert:\CurrentUser\My'
    throw 'Run this script again with -CertificateFile mailfleet.cert.pem. Nothing was changed.'
  }
  $certificate = [System.Security.Cryptography.X509Certificates.X509Certificate2]::new($bytes)
  if ($certificate.HasPrivateKey) { throw 'That file holds a private key. Give the certificate alone: the key stays where mailfleet runs. Nothing was changed.' }
  return $certificate
}

function Test-SameKey {
  param($Entry, $Certificate)
  if ($null -ne $Entry.Key) { return ([System.Convert]::ToBase64String($Entry.Key) -eq [System.Convert]::ToBase64String($Certificate.RawData)) }
  if ($null -eq $Entry.CustomKeyIdentifier) { return $false }
  return ([System.BitConverter]::ToString($Entry.CustomKeyIdentifier) -eq [System.BitConverter]::ToString($Certificate.GetCertHash()))
}

function Add-Certificate {
  param($App, $Certificate)
  $present = @($App.KeyCredentials | Where-Object { $_ })
  if (@($present | Where-Object { Test-SameKey $_ $Certificate }).Count -gt 0) {
    Write-Outcome '' 'certificate' 'same' ('{0} is there already' -f $Certificate.Thumbprint)
    return
  }
  if (-not $Gate.ShouldProcess($App.DisplayName, 'add a certificate')) {
    Write-Outcome '' 'certificate' 'planned' $Certificate.Thumbprint
    return
  }
  $keys = @($present) + @(@{ Type = 'AsymmetricX509Cert'; Usage = 'Verify'; DisplayName = 'mailfleet'; Key = $Certificate.RawData })
  Update-MgApplication -ApplicationId $App.Id -KeyCredentials $keys -Confirm:$false
  Write-Outcome '' 'certificate' 'done' ('{0}, until {1:yyyy-MM-dd}' -f $Certificate.Thumbprint, $Certificate.NotAfter)
}`;
